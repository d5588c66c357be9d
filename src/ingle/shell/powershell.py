def host(machine, words, stdin):
    return None
def run(machine, tree):
    pass
