"""What people ask about batch size, each question decided by a small pure function of the tables."""
