"""A simulated BlueZ: `org.bluez` on a private D-Bus, for an unmodified client."""
