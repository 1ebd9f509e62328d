# redis as far as this project uses it: its annotations mix the sync and the async client.
