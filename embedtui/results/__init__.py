"""What a run says as it goes, and what that adds up to."""
