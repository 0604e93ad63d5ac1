websocket = None
