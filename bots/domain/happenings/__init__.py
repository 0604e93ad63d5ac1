"""What happened at a bot, read off what its poll brought or its websocket said, in the words of the time line.

wording    one way of saying a thing, whoever told it
trades     orders placed, filled, cancelled; trades closed, also from outside
standing   started, stopped, paused; lost and found; another release, mode or database
readings   locks, log lines, a restarted process, changed settings
messages   what a websocket said
"""
