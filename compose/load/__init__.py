"""What the Locust of the compose file plays; copied into its image."""
