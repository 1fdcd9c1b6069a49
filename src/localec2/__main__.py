"""`python -m localec2`."""

from localec2.cli import main

if __name__ == "__main__":
    main()
