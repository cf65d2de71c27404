"""The steps by which a store's tables came to be; `alertline.store.migrate` runs them."""
