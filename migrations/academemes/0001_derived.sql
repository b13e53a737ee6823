-- What follows from the memes and the votes: counts, the tag index, the search index, and the number of the last change.
-- All of it is made by triggers, in the transaction of the change itself, so that nothing can be counted wrongly.
CREATE VIRTUAL TABLE `memes_search` USING fts5(
	title, captions, tags,
	content='memes', content_rowid='number', prefix='2 3', tokenize='unicode61 remove_diacritics 2'
);
--> statement-breakpoint
CREATE TRIGGER `memes_added` AFTER INSERT ON `memes` BEGIN
	INSERT INTO memes_search (rowid, title, captions, tags) VALUES (new.number, new.title, new.captions, new.tags);
	INSERT INTO meme_tags (tag, meme) SELECT DISTINCT value, new.number FROM json_each(new.tags);
	UPDATE collection SET version = version + 1, memes = memes + 1;
END;
--> statement-breakpoint
CREATE TRIGGER `memes_removed` AFTER DELETE ON `memes` BEGIN
	INSERT INTO memes_search (memes_search, rowid, title, captions, tags)
		VALUES ('delete', old.number, old.title, old.captions, old.tags);
	UPDATE collection SET version = version + 1, memes = memes - 1;
END;
--> statement-breakpoint
CREATE TRIGGER `memes_changed` AFTER UPDATE OF `id`, `title`, `template`, `captions`, `tags`, `published`, `credit` ON `memes` BEGIN
	INSERT INTO memes_search (memes_search, rowid, title, captions, tags)
		VALUES ('delete', old.number, old.title, old.captions, old.tags);
	INSERT INTO memes_search (rowid, title, captions, tags) VALUES (new.number, new.title, new.captions, new.tags);
	DELETE FROM meme_tags WHERE meme = old.number;
	INSERT INTO meme_tags (tag, meme) SELECT DISTINCT value, new.number FROM json_each(new.tags);
	UPDATE collection SET version = version + 1;
END;
--> statement-breakpoint
CREATE TRIGGER `tag_given` AFTER INSERT ON `meme_tags` BEGIN
	INSERT INTO tags (tag, memes) VALUES (new.tag, 1) ON CONFLICT (tag) DO UPDATE SET memes = memes + 1;
END;
--> statement-breakpoint
CREATE TRIGGER `tag_taken` AFTER DELETE ON `meme_tags` BEGIN
	UPDATE tags SET memes = memes - 1 WHERE tag = old.tag;
	DELETE FROM tags WHERE tag = old.tag AND memes = 0;
END;
--> statement-breakpoint
CREATE TRIGGER `vote_given` AFTER INSERT ON `votes` BEGIN
	UPDATE memes SET votes = votes + 1 WHERE number = new.meme;
	UPDATE collection SET version = version + 1;
END;
--> statement-breakpoint
CREATE TRIGGER `vote_taken_back` AFTER DELETE ON `votes` BEGIN
	UPDATE memes SET votes = votes - 1 WHERE number = old.meme;
	UPDATE collection SET version = version + 1;
END;
