"""What happened: a record of each request, why the prompt cache missed, and traces of whole sessions."""
