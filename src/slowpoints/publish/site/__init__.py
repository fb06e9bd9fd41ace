"""The site: everything a finished run says, as pages to read from the file system, without a server
or a network.
"""
