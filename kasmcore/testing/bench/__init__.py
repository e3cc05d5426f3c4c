"""What ``kasmcore bench`` measures: encoders, stages of the frame path, and whole scenes from an X
display to a viewer in Python. It needs no other server and no browser.
"""
