"""What the customers of all suites have in common. Runs inside Locust, and only there."""
