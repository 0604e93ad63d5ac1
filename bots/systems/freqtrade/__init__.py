class System:
    key = "freqtrade"
    label = "Freqtrade"
    fields = ()
    poll_plan = {}
