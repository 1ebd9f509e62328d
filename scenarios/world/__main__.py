"""Run the world alone: `python -m scenarios.world`, settings from the environment."""

import os

from scenarios.world.app import run

if __name__ == "__main__":
    run(os.environ)
