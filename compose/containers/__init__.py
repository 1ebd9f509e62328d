"""The stack as containers: the compose file made from its definition, and the commands that only containers need."""
