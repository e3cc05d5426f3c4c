"""The nouns that flow between the stages: frozen values without behaviour of their own."""
