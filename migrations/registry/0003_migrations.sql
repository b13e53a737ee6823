ALTER TABLE `deployments` ADD `migrations` text;
