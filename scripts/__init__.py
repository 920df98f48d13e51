"""What the project's maintainers run: generators, benchmarks and the import contract of its own."""
