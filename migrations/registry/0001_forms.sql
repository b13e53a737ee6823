ALTER TABLE `deployments` ADD `forms` text DEFAULT '[]' NOT NULL;--> statement-breakpoint
UPDATE `deployments` SET `forms` = json_array(json_object('engine', json_extract(`spec`, '$.engines[0]'), 'artifact', json(`artifact`))) WHERE `artifact` IS NOT NULL;--> statement-breakpoint
ALTER TABLE `deployments` DROP COLUMN `artifact`;
