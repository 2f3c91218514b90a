"""`python -m clipmill`: the command line where the program is not on the path."""

from clipmill.cli import main

if __name__ == "__main__":
    main()
