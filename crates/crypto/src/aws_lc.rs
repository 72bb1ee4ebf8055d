//! The provider that the product uses: aws-lc-rs behind the table.
