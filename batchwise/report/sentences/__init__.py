"""What a report says, in English."""
