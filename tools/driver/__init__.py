"""What `catgrad-opt` is made of; `session` puts the parts together."""
