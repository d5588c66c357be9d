"""What models are: names, formats, headers, sizes and whether they fit. Touches nothing but its arguments."""
