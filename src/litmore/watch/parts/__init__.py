"""What TensorBoard shows, one part a file: a file that is deleted is no longer shown."""
