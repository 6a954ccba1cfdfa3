"""Training and measuring triage: `make train`, `make eval`. Nothing of it is in the program."""
