"""What commands say: tables, JSON, progress, logs; nothing in it can steer a terminal."""
