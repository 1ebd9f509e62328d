"""The pure rules of reporting: how facts become figures, what a report may ask for, when one is due."""
