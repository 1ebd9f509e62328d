# saq as far as this project uses it; its own annotations lean on an unannotated Redis client.
