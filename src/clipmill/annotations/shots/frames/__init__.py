"""What every backend of shots does while frames go by: decode, check pictures, cut windows."""
