"""What tests stand on: real servers, folders of alterations, the installed command, faults."""
