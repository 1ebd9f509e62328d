"""The suites as Locust files, one each; `loadtests/catalogue.py` lists them. Nothing but Locust imports them."""
