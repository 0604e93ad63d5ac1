"""One module a group of endpoints: each answer as the union of all releases, shaped to the bot's own."""
