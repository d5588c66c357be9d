"""Long runs: many seeded mixes of trouble, many kills, very many and very large files."""
