"""What Masters & Luschi 2018 say, and whether what was measured agrees."""
