"""Looks after what lies in the store: checks every byte, finds leftovers, explains what is wrong."""
