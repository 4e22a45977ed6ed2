"""Planted truths: how often what statistics say is right, by simulation."""
