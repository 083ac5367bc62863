// one
// cafés
