#pragma once

// One reader per data set: annotation files -> Manifest in the data set's own label order, with
// unlabelled samples kept. load_dataset() does the rest. Options are checked against the table.

#include "data/dataset_files.h"
#include "data/registry.h"

namespace mien::data {

Result<Manifest> read_dfew(const DatasetFiles& files, const DatasetOptions& options);
Result<Manifest> read_ferv39k(const DatasetFiles& files, const DatasetOptions& options);
Result<Manifest> read_mafw(const DatasetFiles& files, const DatasetOptions& options);
Result<Manifest> read_afew(const DatasetFiles& files, const DatasetOptions& options);
Result<Manifest> read_fer2013(const DatasetFiles& files, const DatasetOptions& options);
Result<Manifest> read_ferplus(const DatasetFiles& files, const DatasetOptions& options);
Result<Manifest> read_ckplus(const DatasetFiles& files, const DatasetOptions& options);
Result<Manifest> read_rafdb(const DatasetFiles& files, const DatasetOptions& options);
Result<Manifest> read_affectnet(const DatasetFiles& files, const DatasetOptions& options);

}  // namespace mien::data
