"""What the screens are about: the session, its searches, the threads that serve it."""
