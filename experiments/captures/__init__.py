"""Large captures of activations to a store on disk, shard by shard, in several processes or on a cluster."""
