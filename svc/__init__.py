"""The fleet: ten services that know only shared/ and each other's contracts, never each other's code."""
