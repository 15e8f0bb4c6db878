"""Small passes over a net, each with one job; none computes a shape.

A pass that rewrites (`filter_state`, `name_loss_tops`) takes a document and gives a new one, and does nothing
to its own result. Those that bring old forms up to date, which `upgrade` lines up, give the document itself
where there is nothing old. A pass that reads (`wire`, `share_params`) gives facts about the layers, by their
position, together with the errors it met.
"""
