"""A poll, from the due-table to the tables, in the order of the walk:

schedule   which bots are due, and who owns them while they are asked (lease and fencing number)
orders     what to ask a bot, and what the mirror already knows
asking     the conversation: no database, no Celery, only a Session
writing    one transaction for many results: state, figures, readings, trades; then the announcement
engine     the loop and the writer of a worker process
"""
