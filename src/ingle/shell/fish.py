def translate(text: str) -> str:
    return text
