"""Accounts, passwords, login sessions and the brake on guessing; no file, clock or task."""
