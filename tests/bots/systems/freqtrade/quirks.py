"""Every known habit of Freqtrade's API, and the tests that hold it: section -> habit -> tests by file and name."""

FT = "bots/systems/freqtrade"
SIM = "bots/simulator"
DOMAIN = "bots/domain"

SHAPE = f"{SIM}/test_shapes.py::test_a_reading_looks_as_the_genuine_bot_sends_it"
REFUSAL = f"{SIM}/test_commands.py::test_a_refusal_is_worded_as_the_genuine_bot_words_it"
RELEASES = f"{SIM}/test_early.py::test_endpoints_come_with_their_releases"
MAPPED = f"{FT}/test_session.py::test_every_reading_of_every_release_is_mapped"
EARLY = f"{FT}/test_early.py::test_every_reading_of_an_early_release_is_mapped_or_not_offered"
FORMER_NAMES = f"{FT}/test_early.py::test_a_closed_trade_of_2021_under_its_former_names"
ANYTHING = f"{FT}/test_session.py::test_what_a_bot_or_something_in_its_place_may_answer"
GROUPS = f"{SIM}/test_trades.py::test_groups_and_periods_add_up_to_the_profit"
STATES = f"{DOMAIN}/test_generation_states.py"
GENERATIONS = f"{DOMAIN}/test_generations.py"
MIRROR = f"{DOMAIN}/test_mirror.py"
WS = f"{SIM}/test_websocket.py"
AUTH = f"{SIM}/test_auth.py"

Tests = tuple[str, ...]

QUIRKS: dict[str, dict[str, Tests]] = {
    "1 version detection": {
        "builds are named 2024.10-dev or docker-2022.11.dev-abc": (
            f"{FT}/test_releases.py::test_a_release_is_read_from_its_name_or_its_api_version",
        ),
        "api_version is a float on the wire: 2.5 is newer than 2.49": (
            f"{FT}/test_releases.py::test_a_release_is_read_from_its_name_or_its_api_version",
        ),
        "each release has its api_version": (f"{FT}/test_quirks.py::test_an_api_version_leads_back_to_its_release",),
        "no api_version before 2021.11": (
            f"{FT}/test_early.py::test_a_bot_of_2021_tells_its_state_itself_and_its_version_elsewhere",
        ),
        "what a release lacks answers 404 or 405": (
            f"{FT}/test_early.py::test_a_build_without_a_known_name_is_probed_and_never_guessed",
            f"{FT}/test_early.py::test_a_405_of_html_says_not_offered_and_a_404_of_html_says_a_stranger",
        ),
        "actions come with releases without a new number": (
            f"{FT}/test_releases.py::test_an_action_is_offered_from_its_release_on",
        ),
    },
    "2 reading": {
        "ping needs no password": (f"{AUTH}::test_ping_needs_no_password",),
        "version": (f"{SIM}/test_early.py::test_basic_authentication_opens_every_generation",),
        "show_config: no state until 2020.4, no runmode until 2020.11": (
            f"{FT}/test_early.py::test_the_eldest_tells_its_version_and_its_state_elsewhere",
            SHAPE,
        ),
        "status is [] when nothing is open": (f"{SIM}/test_early.py::test_a_bot_without_open_trades_lists_none",),
        "count: 502 while stopped": (
            f"{FT}/test_early.py::test_the_eldest_is_stopped_when_it_does_not_count",
            f"{STATES}::test_a_stopped_bot_is_stopped_and_everything_else_is_read",
        ),
        "count: max 5.0 in 2020, -1 unlimited": (
            f"{FT}/test_early.py::test_counts_with_a_point",
            f"{FT}/test_mapping.py::test_open_trades_may_be_unlimited",
        ),
        "balance: total counts strangers' coins, *_bot does not": (
            f"{FT}/test_mapping.py::test_the_balance_of_a_bot_that_shares_its_account",
            f"{SIM}/test_trades.py::test_foreign_coins_count_in_the_total_only",
        ),
        "balance: no *_bot before 2023.5": (
            f"{FT}/test_mapping.py::test_an_old_release_does_not_tell_the_bots_part",
            f"{FT}/test_early.py::test_a_balance_of_the_eldest",
        ),
        "profit_all: long and short null in spot": (SHAPE,),
        "daily: lists of texts, texts in objects, numbers": (
            f"{FT}/test_early.py::test_days_whether_told_in_words_or_in_fields",
            f"{FT}/test_early.py::test_days_with_their_numbers_in_texts",
            f"{FT}/test_early.py::test_a_day_that_is_none_is_a_bad_answer",
        ),
        "daily: newest day first, UTC days": (
            f"{GENERATIONS}::test_the_eldest_bots_own_sums_stand_by_day_and_by_pair",
        ),
        "daily: timescale below 1 is refused, 502 or 422": (REFUSAL,),
        "weekly, monthly": (SHAPE, GROUPS),
        "performance: profit is percent; no ratio before 2021.11, no absolute before 2021.5": (
            f"{FT}/test_mapping.py::test_performance_is_a_ratio_not_a_percentage",
            f"{FT}/test_early.py::test_performance_in_percent_becomes_a_ratio",
        ),
        "entries, exits, mix_tags": (SHAPE, GROUPS),
        "stats: sell_reasons, N/A": (SHAPE,),
        "trades since 2020.4, closed ones only from 2020.7 on": (
            f"{SIM}/test_early.py::test_trades_are_listed_from_the_newest_down_until_they_came_in_pages",
            f"{GENERATIONS}::test_what_leaves_the_open_trades_of_the_eldest_is_closed_without_figures",
        ),
        "trade/{id} since 2021.4, 404 for none": (
            f"{FT}/test_session.py::test_one_trade_is_asked_for_by_its_number",
            f"{FT}/test_early.py::test_one_closed_trade_is_found_in_the_list_and_a_missing_one_soon_given_up",
        ),
        "custom-data: 404 when there is none": (SHAPE,),
        "locks: id from 2021.3, side from 2022.5, active ones only": (
            f"{FT}/test_mapping.py::test_locks",
            f"{SIM}/test_commands.py::test_a_lock_in_the_past_is_not_shown",
            SHAPE,
        ),
        "logs: milliseconds as a float": (f"{FT}/test_mapping.py::test_logs_come_oldest_first_in_whole_milliseconds",),
        "whitelist, blacklist": (f"{FT}/test_mapping.py::test_pair_lists",),
        "health: seconds; 0 or null before the first loop": (
            f"{FT}/test_mapping.py::test_health_counts_in_milliseconds",
            f"{FT}/test_mapping.py::test_a_loop_that_has_not_turned_yet_has_no_time",
        ),
        "sysinfo blocks for a second: never polled": (f"{DOMAIN}/test_polling.py::test_sysinfo_is_never_asked",),
        "pair_candles: an unknown pair is 200 and empty": (SHAPE,),
        "pair_history: webserver mode only from 2025.2": (SHAPE,),
        "strategies, available_pairs: 503 in trade mode from 2025.7": (SHAPE,),
        "markets, historic_balance, exchanges, edge and the rest come and go": (SHAPE, RELEASES),
        "every reading of every generation": (MAPPED, EARLY),
    },
    "2 commands": {
        "login and refresh: the refresh token is not renewed": (
            f"{AUTH}::test_the_refresh_token_gives_only_a_new_access_token",
        ),
        "start and stop twice are no errors": (f"{SIM}/test_early.py::test_a_command_twice_is_no_error",),
        "stopbuy is invisible in the state and not undone by start": (
            f"{STATES}::test_stopbuy_before_2025_4_leaves_the_bot_running_and_no_slot",
            f"{SIM}/test_commands.py::test_an_old_bot_cannot_undo_stopentry_by_start",
        ),
        "pause is a state from 2025.4": (
            f"{STATES}::test_a_paused_bot_is_paused",
            f"{FT}/test_releases.py::test_entries_can_be_stopped_in_every_release_but_paused_only_from_2025_4_on",
        ),
        "reload_conf became reload_config": (f"{SIM}/test_early.py::test_reload_has_the_name_of_its_time",),
        "forcesell is still accepted as forceexit": (f"{SIM}/test_early.py::test_a_forced_exit_keeps_its_former_path",),
        "forceenter needs the bot's permission": (
            f"{FT}/test_releases.py::test_a_forced_entry_needs_the_bots_own_permission",
            f"{SIM}/test_commands.py::test_no_entry_beyond_the_slots_or_into_an_open_pair",
        ),
        "a trade can be deleted": (
            f"{SIM}/test_commands.py::test_deleting_a_trade_takes_it_out_of_the_profit",
            f"{MIRROR}::test_a_deleted_closed_trade_leaves_the_totals_but_not_the_mirror",
        ),
        "open-order, reload": (f"{SIM}/test_commands.py::test_the_trade_a_command_answers_has_the_recorded_fields",),
        "blacklist: problems stand in errors with 200": (REFUSAL,),
        "locks want a zone, an unknown lock is no error": (
            REFUSAL,
            f"{SIM}/test_commands.py::test_locks_come_go_and_end",
        ),
        "four exits of one trade: one is done, three refused": (
            f"{SIM}/test_commands.py::test_four_exits_of_one_trade_sell_it_once",
        ),
        "a repeated limit exit replaces the order": (
            f"{SIM}/test_commands.py::test_a_repeated_limit_exit_replaces_the_order",
        ),
    },
    "3 renames and the eldest": {
        "sell_reason, buy_tag, bid_strategy, forcebuy_enabled until 2022.3": (
            FORMER_NAMES,
            SHAPE,
            f"{FT}/test_early.py::test_the_settings_of_a_bot_that_does_not_name_its_version_there_have_it_all_the_same",
        ),
        "2020.1: 19 fields, no is_open, no timestamps, stop_loss for stop_loss_abs": (
            f"{FT}/test_early.py::test_an_open_trade_of_the_eldest",
            f"{GENERATIONS}::test_of_the_eldest_bots_the_open_trades_are_mirrored_by_their_second",
        ),
        "until 2020.4 current_profit is percent": (
            f"{FT}/test_early.py::test_an_open_trade_of_the_eldest",
            f"{SIM}/test_early.py::test_the_open_profit_is_percent_until_2020_4",
            f"{SIM}/test_early.py::test_the_open_profit_is_a_ratio_from_2020_5_on",
        ),
        "base_currency is the quote": (f"{SIM}/test_early.py::test_the_open_profit_is_percent_until_2020_4",),
        "2021.1 writes dry_run as a text": (
            f"{FT}/test_early.py::test_dry_run_is_a_text_in_one_release",
            f"{SIM}/test_early.py::test_dry_run_is_a_text_in_2021_1_only",
        ),
        "2020.5 to 2020.7 count timestamps in the machine's zone": (
            f"{GENERATIONS}::test_a_bot_that_counts_its_timestamps_in_its_machines_zone_is_read_in_utc",
            f"{SIM}/test_early.py::test_timestamps_count_in_the_machines_zone_until_2020_7",
        ),
        "2020.4 and 2020.5 give a closed trade's ratio alone": (
            f"{GENERATIONS}::test_the_first_releases_that_list_closed_trades_give_their_ratio_alone",
        ),
    },
    "4 authentication and errors": {
        "basic always works": (f"{SIM}/test_early.py::test_basic_authentication_opens_every_generation",),
        "no tokens before 2020.5": (f"{SIM}/test_early.py::test_there_are_no_tokens_before_2020_5",),
        "tokens survive a restart": (f"{AUTH}::test_a_token_survives_a_restart",),
        "whoever knows the secret is in": (f"{AUTH}::test_whoever_knows_the_secret_is_in",),
        "a bad or wrong token is 401": (
            f"{AUTH}::test_a_token_of_the_wrong_kind_opens_nothing",
            f"{AUTH}::test_expired_forged_and_broken_tokens_open_nothing",
        ),
        "2020: a bad token is 422": (f"{SIM}/test_early.py::test_a_bad_token_is_422_in_2020_and_an_expired_one_401",),
        "401 in the words of each release": (REFUSAL, f"{FT}/test_early.py::test_a_wrong_password_of_the_eldest"),
        "502 with an error in it is a refusal, without one a gateway's": (ANYTHING,),
        "2020: refusals name a function": (
            f"{SIM}/test_early.py::test_refusals_of_2020_name_a_function_and_those_of_2021_a_path",
        ),
        "503 and 502 for the wrong state": (ANYTHING, f"{FT}/test_session.py::test_webserver_mode"),
        "422 in the words of two frameworks": (REFUSAL, ANYTHING),
        "unknown path 404, other methods 405": (REFUSAL, RELEASES),
        "2020: HTML for 400, 405 and 500": (
            f"{SIM}/test_early.py::test_errors_of_2020_are_pages",
            f"{FT}/test_early.py::test_a_405_of_html_says_not_offered_and_a_404_of_html_says_a_stranger",
        ),
        "2020: a missing page only for those who are in": (
            f"{SIM}/test_early.py::test_what_is_missing_is_told_to_those_who_are_in_only",
        ),
        "500 in plain text anywhere": (ANYTHING, SHAPE),
        "stopped: reading works, counting and trading do not": (
            f"{SIM}/test_commands.py::test_stopped_bots_answer_reading_but_not_counting",
            f"{STATES}::test_a_stopped_bot_is_stopped_and_everything_else_is_read",
        ),
        "paused: exits work, entries do not": (f"{SIM}/test_commands.py::test_a_paused_bot_sells_but_does_not_buy",),
        "until 2020.5 a bot without a closed trade refuses its profit": (
            f"{GENERATIONS}::test_the_eldest_without_a_closed_trade_refuses_its_profit_and_is_understood",
            f"{SIM}/test_early.py::test_a_bot_without_a_closed_trade_has_no_profit_until_2020_5",
        ),
    },
    "5.1 NaN and Infinity": {
        "a bare NaN before 2022.4, null after": (
            f"{FT}/test_mapping.py::test_a_nan_of_old_releases_is_missing_with_its_reason",
            f"{FT}/test_session.py::test_a_bare_nan_costs_its_figure_alone",
            f"{SIM}/test_faults.py::test_a_dead_exchange_gives_null_and_old_bots_a_bare_nan",
        ),
        "one pair without a price blanks the whole profit": (
            f"{FT}/test_mapping.py::test_a_profit_lost_with_the_exchange_is_missing_and_the_closed_one_stands",
            f"{STATES}::test_a_dead_exchange_costs_the_moving_figures_and_no_trade",
        ),
        "balance: 502 or coins worth 0": (
            f"{FT}/test_session.py::test_a_balance_refused_for_want_of_the_exchange_is_told_in_the_bots_words",
            f"{FT}/test_mapping.py::test_a_coin_without_a_price_is_not_worth_zero",
        ),
        "profit_factor is null without a losing trade": (f"{FT}/test_quirks.py::test_no_losing_trade_is_no_factor",),
        "an unfilled entry shows profit 0 and counts": (
            f"{FT}/test_trades.py::test_an_entry_that_is_not_filled_has_nothing_at_stake_yet",
        ),
    },
    "5.2 trades": {
        "2020.4 to 2021.3: a limit, newest first, 0 is all": (
            f"{FT}/test_early.py::test_a_list_is_read_until_the_newest_known_trade_is_in_it",
            f"{FT}/test_early.py::test_a_new_mirror_reads_the_whole_list",
            f"{GENERATIONS}::test_a_long_list_is_read_back_to_the_newest_known_trade_only",
        ),
        "2021.3: by close": (
            f"{SIM}/test_early.py::test_one_release_listed_the_latest_close_first",
            f"{FT}/test_early.py::test_a_list_by_close_is_searched_to_its_end",
        ),
        "from 2021.4: pages ascending by id, total_trades": (
            f"{SIM}/test_trades.py::test_pages_ascend_by_id_although_an_old_trade_closed_last",
            f"{FT}/test_history.py::test_a_new_mirror_reads_all_pages",
        ),
        "limit=0: all descending, then 422": (
            f"{SIM}/test_trades.py::test_limit_zero_means_all_descending_until_it_became_an_error",
        ),
        "order_by_id is ignored before 2025.4": (
            f"{SIM}/test_trades.py::test_old_bots_ignore_the_wish_to_order_by_close",
        ),
        "an old id that closes late": (f"{MIRROR}::test_a_trade_that_closes_under_an_old_id_is_closed_in_the_mirror",),
        "a deleted trade shifts the pages": (
            f"{MIRROR}::test_a_deleted_closed_trade_leaves_the_totals_but_not_the_mirror",
            f"{GENERATIONS}::test_a_trade_deleted_far_below_the_newest_is_missed_by_the_bots_own_count",
        ),
        "past the end is empty": (f"{SIM}/test_shapes.py::test_what_is_not_there_is_refused_in_the_same_words",),
        "other fields than in trade/{id}": (SHAPE,),
    },
    "5.3 profit": {
        "means, sums and account ratios": (
            f"{SIM}/test_trades.py::test_profit_is_the_sum_of_the_trades",
            f"{FT}/test_mapping.py::test_the_profit",
        ),
        "first_trade_date in words in 2020, 0 is none": (
            f"{FT}/test_early.py::test_the_profit_of_the_eldest",
            f"{FT}/test_quirks.py::test_a_moment_of_zero_is_none",
        ),
        "0 means no fiat": (
            f"{SIM}/test_early.py::test_without_a_fiat_currency_every_worth_is_zero",
            f"{STATES}::test_zero_in_a_fiat_currency_is_in_no_figure",
        ),
    },
    "5.4 ids, deletes, databases": {
        "ids are given again": (
            f"{SIM}/test_trades.py::test_the_id_of_a_cancelled_entry_is_given_again",
            f"{MIRROR}::test_a_cancelled_entry_is_gone_though_its_id_lives_on_in_another_trade",
            f"{GENERATIONS}::test_a_cancelled_entry_of_the_eldest_is_gone_and_its_number_another_trade",
        ),
        "an exit of an unfilled entry fails although it is done": (
            f"{SIM}/test_commands.py::test_an_exit_of_an_unfilled_entry_fails_although_it_cancels",
            f"{SIM}/test_commands.py::test_cancelling_an_unfilled_entry_fails_although_it_is_done",
        ),
        "a removed database begins at 1": (
            f"{MIRROR}::test_a_wiped_database_begins_a_new_run_and_the_old_trades_stay",
            f"{GENERATIONS}::test_a_wiped_database_of_the_eldest_shows_in_numbers_that_begin_again",
            f"{GENERATIONS}::test_an_emptied_database_of_the_eldest_shows_in_its_count",
        ),
        "dry and live are two databases": (
            f"{MIRROR}::test_a_bot_that_goes_live_begins_a_run_of_its_own",
            f"{GENERATIONS}::test_going_live_the_eldest_begins_a_run_of_its_own",
        ),
        "a kill keeps trades and ids": (
            f"{STATES}::test_a_bot_killed_and_started_again_goes_on_with_its_trades",
            f"{GENERATIONS}::test_the_eldest_after_a_restart_is_caught_up",
        ),
    },
    "5.5 reload, restart, states": {
        "running, stopped, paused, reload_config": (f"{FT}/test_mapping.py::test_states_of_a_bot",),
        "starting while it reloads": (f"{STATES}::test_a_bot_that_reloads_is_starting",),
        "a reload refuses connections for a moment": (
            f"{STATES}::test_a_reload_refuses_connections_for_a_moment_and_is_no_outage",
            f"{SIM}/test_commands.py::test_reload_config_closes_the_port_for_a_moment",
        ),
        "nothing listens while it starts": (f"{FT}/test_session.py::test_a_bot_that_is_off_or_hangs",),
        "a broken configuration ends the process": (
            f"{DOMAIN}/test_polling.py::test_a_bot_that_is_gone_keeps_its_figures_and_says_why",
        ),
        "a hanging API is given up": (
            f"{DOMAIN}/test_polling.py::test_a_hanging_bot_costs_its_deadline_and_nobody_else",
        ),
    },
    "5.6 types and nulls": {
        "stake_amount is a number, then a text": (
            f"{SIM}/test_early.py::test_the_stake_is_a_number_and_later_a_text",
            f"{FT}/test_mapping.py::test_settings_are_flat_and_without_what_moves",
        ),
        "max_open_trades 5, 5.0, -1": (f"{FT}/test_mapping.py::test_open_trades_may_be_unlimited",),
        "milliseconds, but seconds in health": (f"{FT}/test_mapping.py::test_health_counts_in_milliseconds",),
        "dates are UTC without a zone": (
            f"{FT}/test_early.py::test_an_open_trade_of_the_eldest",
            f"{FT}/test_early.py::test_a_date_that_is_none_is_a_bad_answer",
        ),
        "open orders: has_open_orders, open_order_id or words": (
            f"{FT}/test_trades.py::test_open_orders_are_known_in_every_release",
            f"{FT}/test_early.py::test_an_open_order_of_the_eldest_is_words",
        ),
        "ratio and percent stand side by side": (f"{FT}/test_trades.py::test_an_open_trade_and_what_moves_in_it",),
        "exit_reason on an open trade, exit_order_status empty": (
            f"{STATES}::test_an_open_trade_that_is_being_sold_stays_open",
            f"{FT}/test_trades.py::test_an_open_trade_and_what_moves_in_it",
        ),
        "orders: null until filled": (f"{FT}/test_trades.py::test_an_open_trade_and_what_moves_in_it",),
        "timeframe in minutes or in words": (f"{FT}/test_trades.py::test_timeframes_are_spelled_as_in_settings",),
        "amount_requested is shown for an unfilled entry before 2024.4": (
            f"{MIRROR}::test_the_first_poll_brings_every_trade",
            f"{MIRROR}::test_a_cancelled_entry_is_gone_though_its_id_lives_on_in_another_trade",
        ),
    },
    "5.7 webserver mode": {
        "told apart by its runmode": (
            f"{FT}/test_session.py::test_webserver_mode",
            f"{STATES}::test_a_webserver_is_no_broken_bot",
        ),
        "503 and 502 for what trades": (SHAPE,),
    },
    "6 websocket": {
        "only the token in the query or an access token opens it": (
            f"{WS}::test_only_the_token_or_an_access_token_opens_it",
        ),
        "2022.9 brought it": (RELEASES, f"{FT}/test_releases.py::test_an_action_is_offered_from_its_release_on"),
        "nothing before a subscription": (f"{WS}::test_without_a_subscription_nothing_arrives",),
        "a later subscription replaces": (f"{WS}::test_a_later_subscription_replaces_the_earlier",),
        "one unknown topic voids the request": (
            f"{WS}::test_one_unknown_topic_voids_the_whole_request_without_a_word",
            f"{WS}::test_an_old_bot_does_not_know_candles",
        ),
        "unknown requests are answered by new bots only": (
            f"{WS}::test_an_unknown_request_is_answered_by_new_bots_only",
        ),
        "text that is no JSON ends it": (f"{WS}::test_text_that_is_no_json_ends_the_connection",),
        "no replay after a reconnect": (f"{WS}::test_nothing_is_told_again_after_a_reconnect",),
        "stop and start keep the line": (f"{WS}::test_stop_and_start_are_told_and_the_line_stays",),
        "a reload ends it, with 1012 or without a word": (f"{WS}::test_a_reload_ends_the_line",),
        "a webserver has none": (f"{WS}::test_a_webserver_has_no_messages",),
        "messages and their fields by release": (
            f"{WS}::test_messages_look_as_the_genuine_bot_sends_them",
            f"{WS}::test_a_trade_is_told_from_entry_to_exit",
        ),
    },
}
