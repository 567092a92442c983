"""The driver `bench`: a chip made of instruments, each through its own driver."""
