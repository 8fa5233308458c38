"""Reports on analysed recordings: one HTML file that needs no other, in English or Chinese."""
