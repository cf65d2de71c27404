"""placeholder"""
class Parts:
    pass
