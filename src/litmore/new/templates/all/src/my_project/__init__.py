"""What is this project's own."""
