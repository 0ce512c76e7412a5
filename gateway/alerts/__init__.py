"""What happened becomes alerts with a life. Pure: the hub gives what is stored."""
