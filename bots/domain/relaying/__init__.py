"""Listening to the bots that speak by themselves, from the lease to the tables:

leases     which relay listens to which bot
line       one bot's line: opened, kept alive, opened again
writing    what was heard becomes events, and makes the next poll come early
relay      the process: its leases, its lines, its writer
standing   whether a relay lives and which lines stand, as anybody sees it
"""
